CREATE TABLE `requests` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`method` text NOT NULL,
	`path` text NOT NULL,
	`route` text,
	`query` text,
	`status` integer NOT NULL,
	`duration_ms` real NOT NULL,
	`request_body` text,
	`response_body` text,
	`model` text,
	`model_version` integer,
	`price` real,
	`user_agent` text,
	`country` text,
	`colo` text,
	`problem` text
) WITHOUT ROWID;
