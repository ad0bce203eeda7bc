import { type ResolveFnOutput, type ResolveHookContext, registerHooks } from 'node:module';
import { OWN_ENTRIES, OWN_SOURCES } from './own-entries.ts';

/**
 * What a user's own policy imports follows it on a reload. The address of such a module ends in `?v=<hash>`; a module is
 * cached by its whole address, so a new hash means a new module. These hooks give the files that it imports by a relative path
 * the same version, and theirs in turn. Packages keep their plain address: they are loaded once.
 *
 * Importing this file installs the hooks, in this thread, for as long as it lives; a module is evaluated once, so they are
 * installed once. A module without a version is resolved as if they were not there, but for the gateway's own entries.
 */
const VERSION = /\?v=[\w-]+$/;
const RELATIVE = /^(?:\.\.?\/|file:)/;

type NextResolve = (specifier: string, context?: Partial<ResolveHookContext>) => ResolveFnOutput;

function resolve(specifier: string, context: ResolveHookContext, nextResolve: NextResolve): ResolveFnOutput {
  // From packages that a policy imports too, which have no version.
  const own = OWN_ENTRIES.get(specifier);
  if (own !== undefined) return nextResolve(own, context);
  const parentVersion = VERSION.exec(context.parentURL ?? '')?.[0];
  if (parentVersion === undefined) {
    const resolved = nextResolve(specifier, context);
    return VERSION.test(specifier) ? asModule(resolved) : resolved;
  }
  const resolved = nextResolve(specifier, context);
  if (!RELATIVE.test(specifier) || !resolved.url.startsWith('file:') || resolved.url.includes('?'))
    return resolved;
  // A second copy of the gateway's own modules would have classes of its own.
  if (resolved.url.startsWith(OWN_SOURCES)) return resolved;
  return asModule({ ...resolved, url: resolved.url + parentVersion });
}

/** TypeScript is read as an ES module whatever the nearest package.json says, or whether there is one. */
function asModule(resolved: ResolveFnOutput): ResolveFnOutput {
  return /\.m?ts(?:\?|$)/.test(resolved.url) ? { ...resolved, format: 'module-typescript' } : resolved;
}

export const reloadHooks = registerHooks({ resolve });
