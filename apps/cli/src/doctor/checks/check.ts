import type { System } from "../../system/system.ts";
import type { Finding } from "../finding.ts";

/** Looks at one thing and yields what is wrong with it. Pure: all that it knows is in `system`. */
export type Check = (system: System) => Iterable<Finding>;
