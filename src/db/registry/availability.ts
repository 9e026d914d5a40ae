import { Availability } from "../../lib/availability.ts";

/** Whether the registry answers this isolate. The look-ups of keys and aliases record it. */
export const registryAvailability = new Availability();
