/** The headers of a Xendit notification: its token, as it is. */
export function signXenditRequest(token: string): Record<string, string> {
  return { 'content-type': 'application/json', 'x-callback-token': token };
}
