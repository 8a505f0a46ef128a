/** The words of a text, in order: a long list that reads as one. */
export function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
