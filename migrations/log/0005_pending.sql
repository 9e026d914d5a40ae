ALTER TABLE `rollup_hours` ADD `pending` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- Counts have the exact status and the outcomes from now on: all hours whose requests are there are counted anew.
UPDATE `rollup_hours` SET `pending` = 1;
