// Set by scripts/build.ts.
declare const HVGUEST_VERSION: string;
declare const HVGUEST_COMMIT: string;
