import type { Draft } from '../draft.ts';

/** What stands in the configuration for a secret of the document, or for a reference to one. */
export function keptSecret(draft: Draft, wanted: string, text: string): string {
  const variable = variableOf(text);
  return variable === undefined ? draft.secret(wanted, text) : draft.secret(variable, undefined);
}

/** The variable that a reference of Kong (`{vault://env/name}`) or of decK (`${{ env "NAME" }}`) means; undefined for any other text. */
export function variableOf(text: string): string | undefined {
  const vault = /^\{vault:\/\/env\/([A-Za-z0-9_-]+)\}$/.exec(text.trim());
  if (vault !== null) return (vault[1] ?? '').toUpperCase().replaceAll('-', '_');
  return /^\$\{\{ ?env "([A-Za-z_][A-Za-z0-9_]*)" ?\}\}$/.exec(text.trim())?.[1];
}
