import type { Finding } from './finding.ts';

/** Both parts have limits (RFC 5321, 4.5.3.1). */
const LOCAL_MAX = 64;

const domain = /(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}\p{L}[\p{L}\p{N}-]{0,22}\p{L}/uy;

/**
 * E-mail addresses as people write them: a local part of RFC 5322's atoms or in
 * quotes, at a domain with a top level of letters. `git@host:path`, and GitHub's
 * `org-1@host:path`, are repositories, not people.
 */
export function findEmails(text: string): readonly Finding[] {
  const found: Finding[] = [];
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const start = startOfLocalPart(text, at);
    domain.lastIndex = at + 1;
    const end = domain.test(text) ? domain.lastIndex : at;
    if (start === at || end === at) continue;
    if (text.charAt(end) === ':' && /^(?:git|org-\d+)$/.test(text.slice(start, at))) continue;
    found.push({ kind: 'email', start, end });
  }
  return found;
}

function startOfLocalPart(text: string, at: number): number {
  if (text.charAt(at - 1) === '"') {
    const opening = text.lastIndexOf('"', at - 2);
    if (opening !== -1 && at - opening <= LOCAL_MAX && !/[{}:,]/.test(text.slice(opening, at))) return opening;
  }
  let start = at;
  while (start > 0 && at - start < LOCAL_MAX && /[\p{L}\p{N}\p{M}.!#$%&'*+/=?^_`{|}~-]/u.test(text.charAt(start - 1)))
    start -= 1;
  // Punctuation and the like of what stands before: `to=jane@…`, `https://jane@…`, `'jane@…'`.
  const inside = text.slice(start, at);
  const clean = Math.max(...['=', '/', '?', '&', '{', '|', "'", '`'].map((mark) => inside.lastIndexOf(mark)));
  return start + clean + 1;
}
