/** The node that skep needs. In a file of its own, without imports: it is read before anything else is. */

export const NODE_VERSION_MIN = '24.16';

/** `version` as in `process.versions.node`. */
export function fitsNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 16);
}
