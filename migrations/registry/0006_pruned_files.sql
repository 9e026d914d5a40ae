CREATE TABLE `pruned_files` (
	`key` text PRIMARY KEY NOT NULL,
	`revision` integer NOT NULL,
	`is_deleted` integer NOT NULL
) WITHOUT ROWID;
