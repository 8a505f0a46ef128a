/** The headers of a Flutterwave v3 notification: the secret hash, as it is. */
export function signFlutterwaveRequest(secretHash: string): Record<string, string> {
  return { 'content-type': 'application/json', 'verif-hash': secretHash };
}
