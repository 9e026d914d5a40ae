CREATE TABLE `leases` (
	`name` text PRIMARY KEY NOT NULL,
	`holder` text NOT NULL,
	`until` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `outcomes` (
	`prediction` text NOT NULL,
	`item` integer NOT NULL,
	`id` text NOT NULL,
	`at` integer NOT NULL,
	`price` real NOT NULL,
	`sold_at` text,
	`caller` text,
	`predicted` real NOT NULL,
	`model` text NOT NULL,
	`model_version` integer NOT NULL,
	PRIMARY KEY(`prediction`, `item`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `outcomes_at` ON `outcomes` (`at`);--> statement-breakpoint
CREATE TABLE `rollup_hours` (
	`hour` integer PRIMARY KEY NOT NULL,
	`counted_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `rollups` (
	`hour` integer NOT NULL,
	`kind` text NOT NULL,
	`subject` text NOT NULL,
	`counts` text NOT NULL,
	PRIMARY KEY(`hour`, `kind`, `subject`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `requests_status` ON `requests` (CAST(status AS TEXT)) WHERE status >= 400;--> statement-breakpoint
CREATE INDEX `requests_slow` ON `requests` (CAST(10 + CAST(log2(duration_ms) AS INTEGER) AS TEXT)) WHERE duration_ms >= 16;--> statement-breakpoint
CREATE INDEX `requests_answered` ON `requests` (CASE WHEN route IS NULL THEN '' ELSE route END || ' ' || CASE WHEN model IS NULL THEN '' ELSE model || '@' || model_version END);--> statement-breakpoint
CREATE INDEX `requests_caller` ON `requests` (caller) WHERE caller IS NOT NULL;