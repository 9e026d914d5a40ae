CREATE TABLE `forgotten` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `outcomes_id` ON `outcomes` (`id`);