DROP INDEX `requests_status`;--> statement-breakpoint
CREATE INDEX `requests_status` ON `requests` (CAST(status AS TEXT)) WHERE status <> 200;