CREATE TABLE `appraisals` (
	`id` text PRIMARY KEY NOT NULL,
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
	`status` text NOT NULL,
	`source` text NOT NULL,
	`request_id` text NOT NULL,
	`received_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `keys` (
	`hash` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scopes` text NOT NULL,
	`created_at` text NOT NULL,
	`last_used_at` text,
	`expires_at` text,
	`revoked_at` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `keys_name_unique` ON `keys` (`name`);--> statement-breakpoint
CREATE TABLE `withdrawals` (
	`id` text PRIMARY KEY NOT NULL,
	`reason` text NOT NULL,
	`actor` text NOT NULL,
	`at` text NOT NULL
);
--> statement-breakpoint
ALTER TABLE `alias_history` ADD `share` integer;--> statement-breakpoint
ALTER TABLE `alias_history` ADD `canary_name` text;--> statement-breakpoint
ALTER TABLE `alias_history` ADD `canary_version` integer;--> statement-breakpoint
ALTER TABLE `aliases` ADD `share` integer;--> statement-breakpoint
ALTER TABLE `aliases` ADD `canary_name` text;--> statement-breakpoint
ALTER TABLE `aliases` ADD `canary_version` integer;