import { liveCodes } from "./live-codes.ts";
import { nameCodes } from "./name-codes.ts";
import { numberCodes } from "./number-codes.ts";

/** Every finding that doctor knows. Codes are stable; docs/doctor.md lists exactly these. */
export const findingCodes = { ...nameCodes, ...numberCodes, ...liveCodes } as const;

export type FindingCode = keyof typeof findingCodes;
