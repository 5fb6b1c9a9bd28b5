/** JSON with sorted keys: the same value always gives the same text, whatever order its fields were set in. Written out, as views are compared by it. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const parts: string[] = [];
  for (const [key, part] of Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    if (part !== undefined) parts.push(`${JSON.stringify(key)}:${canonicalJson(part)}`);
  return `{${parts.join(',')}}`;
}
