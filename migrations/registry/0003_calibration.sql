ALTER TABLE `models` ADD `calibration` text;--> statement-breakpoint
ALTER TABLE `models` ADD `plausibility` text;--> statement-breakpoint
ALTER TABLE `models` ADD `background` text;