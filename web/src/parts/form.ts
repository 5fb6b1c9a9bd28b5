/** A field as it was typed, without space around; empty when it is not there. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}

/** `a, b` → `['a', 'b']` */
export const listOf = (form: FormData, name: string): string[] =>
  textOf(form, name)
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
