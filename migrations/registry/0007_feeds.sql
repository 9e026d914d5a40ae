CREATE TABLE `dataset_sources` (
	`dataset` integer NOT NULL,
	`position` integer NOT NULL,
	`name` text NOT NULL,
	`rows` integer NOT NULL,
	`rejected` text NOT NULL,
	`read_at` text NOT NULL,
	PRIMARY KEY(`dataset`, `position`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `appraisals` ADD `reason` text;--> statement-breakpoint
ALTER TABLE `datasets` ADD `base` integer;
