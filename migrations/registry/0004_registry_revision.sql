CREATE TABLE `registry_revision` (
	`id` integer PRIMARY KEY NOT NULL,
	`revision` integer NOT NULL
);
--> statement-breakpoint
-- Each trigger is one statement, and its keywords are in capitals: D1 splits the file at semicolons.
CREATE TRIGGER `count_aliases_insert` AFTER INSERT ON `aliases` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `count_aliases_update` AFTER UPDATE ON `aliases` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `count_aliases_delete` AFTER DELETE ON `aliases` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `count_keys_insert` AFTER INSERT ON `keys` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `count_keys_update` AFTER UPDATE OF `hash`, `name`, `scopes`, `expires_at`, `revoked_at` ON `keys` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `count_keys_delete` AFTER DELETE ON `keys` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `count_models_insert` AFTER INSERT ON `models` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `count_models_update` AFTER UPDATE ON `models` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
--> statement-breakpoint
CREATE TRIGGER `count_models_delete` AFTER DELETE ON `models` BEGIN INSERT INTO `registry_revision` (`id`, `revision`) VALUES (1, 1) ON CONFLICT (`id`) DO UPDATE SET `revision` = `revision` + 1; END;
