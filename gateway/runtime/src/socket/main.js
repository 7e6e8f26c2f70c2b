// The part of the runtime for pages and workers whose WebSockets do not get through.
import { load } from "./load.js";

/** @type {any} */ (typeof document === "object" ? document.currentScript : self).gwClient = load;
