/** Where one of PayPal's worlds lives: its API, its certificates, and the name its signing certificate bears. */
export interface PayPalEnvironment {
  readonly livemode: boolean;
  /** Where OAuth and the postback are called. */
  readonly apiOrigin: string;
  /** The only origins a certificate is fetched from. */
  readonly certificateOrigins: readonly string[];
  /** The host name the signing certificate must be issued to. */
  readonly certificateHost: string;
}

export const liveEnvironment: PayPalEnvironment = {
  livemode: true,
  apiOrigin: 'https://api-m.paypal.com',
  certificateOrigins: ['https://api.paypal.com', 'https://api-m.paypal.com'],
  certificateHost: 'messageverificationcerts.paypal.com',
};

export const sandboxEnvironment: PayPalEnvironment = {
  livemode: false,
  apiOrigin: 'https://api-m.sandbox.paypal.com',
  certificateOrigins: ['https://api.sandbox.paypal.com', 'https://api-m.sandbox.paypal.com'],
  certificateHost: 'messageverificationcerts.sandbox.paypal.com',
};

/** A stand-in of PayPal's API at a loopback origin; it bears the sandbox's name, never the live one. */
export function simulatorEnvironment(origin: string): PayPalEnvironment {
  return { ...sandboxEnvironment, apiOrigin: origin, certificateOrigins: [origin] };
}
