ALTER TABLE `outcomes` ADD `range_low` real;--> statement-breakpoint
ALTER TABLE `outcomes` ADD `range_high` real;--> statement-breakpoint
ALTER TABLE `outcomes` ADD `coverage` real;