ALTER TABLE `models` ADD `memory_bytes` integer;--> statement-breakpoint
ALTER TABLE `models` ADD `session_bytes` integer;