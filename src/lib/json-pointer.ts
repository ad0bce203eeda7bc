/** A name as a step of a JSON Pointer, its slash included (RFC 6901 section 3). */
export function pointerStep(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The name that a step stands for, given without its slash (RFC 6901 section 4). */
export function nameOfStep(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}
