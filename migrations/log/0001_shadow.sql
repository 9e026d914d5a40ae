ALTER TABLE `requests` ADD `shadow_model` text;--> statement-breakpoint
ALTER TABLE `requests` ADD `shadow_version` integer;--> statement-breakpoint
ALTER TABLE `requests` ADD `shadow_price` real;--> statement-breakpoint
ALTER TABLE `requests` ADD `caller` text;