import { Availability } from "../../lib/availability.ts";

/** Whether the primary of the registry answers this isolate: the look-ups of keys and aliases record it. */
export const registryAvailability = new Availability();
