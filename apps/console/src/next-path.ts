const origin = 'http://console.invalid';

/**
 * Where to go after the login: a path of this console, else its front page.
 * Read as a browser reads it, because to browsers `/\example.com`, a tab after
 * the first slash and `/.//example.com` all lead elsewhere.
 */
export function nextPath(wanted: string | undefined): string {
  if (wanted === undefined || !wanted.startsWith('/')) return '/';
  const url = URL.parse(wanted, origin);
  if (url === null || url.origin !== origin || url.pathname.startsWith('//')) return '/';
  return url.pathname + url.search;
}
