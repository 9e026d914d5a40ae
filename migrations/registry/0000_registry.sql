CREATE TABLE `alias_history` (
	`alias` text NOT NULL,
	`revision` integer NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`from_name` text,
	`from_version` integer,
	`actor` text NOT NULL,
	`reason` text NOT NULL,
	`at` text NOT NULL,
	PRIMARY KEY(`alias`, `revision`)
);
--> statement-breakpoint
CREATE TABLE `aliases` (
	`alias` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`revision` integer NOT NULL,
	`updated_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `datasets` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`rows` integer NOT NULL,
	`key` text NOT NULL,
	`sha256` text NOT NULL,
	`sources` text NOT NULL,
	`created_at` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `datasets_id_unique` ON `datasets` (`id`);--> statement-breakpoint
CREATE TABLE `diamonds` (
	`id` text NOT NULL,
	`carat` real NOT NULL,
	`cut` text NOT NULL,
	`color` text NOT NULL,
	`clarity` text NOT NULL,
	`depth` real NOT NULL,
	`table` real NOT NULL,
	`x` real NOT NULL,
	`y` real NOT NULL,
	`z` real NOT NULL,
	`price` real NOT NULL,
	`split_key` integer NOT NULL,
	`since` integer NOT NULL,
	`until` integer,
	PRIMARY KEY(`cut`, `color`, `clarity`, `carat`, `id`, `since`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `models` (
	`name` text NOT NULL,
	`version` integer NOT NULL,
	`key` text NOT NULL,
	`sha256` text NOT NULL,
	`bytes` integer NOT NULL,
	`dataset` integer NOT NULL,
	`train_rows` integer NOT NULL,
	`test_rows` integer NOT NULL,
	`rejected` text NOT NULL,
	`seed` integer NOT NULL,
	`hyperparameters` text NOT NULL,
	`metrics` text NOT NULL,
	`ranges` text NOT NULL,
	`importance` text,
	`histograms` text,
	`decision` text,
	`report` text,
	`fit_seconds` real NOT NULL,
	`run_seconds` real NOT NULL,
	`run_by` text NOT NULL,
	`git_commit` text,
	`facet_version` text NOT NULL,
	`created_at` text NOT NULL,
	PRIMARY KEY(`name`, `version`),
	FOREIGN KEY (`dataset`) REFERENCES `datasets`(`seq`) ON UPDATE no action ON DELETE no action
);
