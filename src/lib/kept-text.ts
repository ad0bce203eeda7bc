/** A copy of a text. What comes from the wire is cut out of the head of its request, and would keep all of it alive. */
export function keptText(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
