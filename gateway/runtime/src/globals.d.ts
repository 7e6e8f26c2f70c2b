// What the build puts in.

/** The worker preamble, whole, as a function. */
declare const gwp: () => void;
/** Whether pages and workers read their own address, under its own name (rewrite-location). */
declare const IDENTITY: boolean;
/** The path of the part for sockets that do not get through. */
declare const SOCKET: string;
/** The worker preamble as text. */
declare const PREAMBLE: string;
