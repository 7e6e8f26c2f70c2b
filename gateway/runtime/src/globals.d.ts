// What the build puts in.

/** The worker preamble, whole, as a function. */
declare const gwp: () => void;
/** The worker preamble as text. */
declare const PREAMBLE: string;
