/** A provider sends some twenty header lines and proxies add a few. Node silently drops what is beyond 2,000. */
export const HEADER_LINES_MAX = 100;

/** `/webhooks/<63 characters>` and a query; challenges carry some hundred characters there. */
export const ADDRESS_CHARACTERS_MAX = 2_048;
