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
CREATE TABLE `quarantines` (
	`id` text PRIMARY KEY NOT NULL,
	`bound` text NOT NULL,
	`reason` text NOT NULL,
	`at` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `datasets` ADD `base` integer;