/** What the user gave a verb: arguments and options, read by name. The command line is checked before; a wrong kind here is a bug. */

export class Given {
  readonly args: readonly string[];
  /** Options as commander parsed them, by camelCase name. */
  readonly options: Readonly<Record<string, unknown>>;

  constructor(args: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.args = args;
    this.options = options;
  }

  /** The argument at that place; only for arguments that the verb requires. */
  arg(at: number): string {
    const value = this.args[at];
    if (value === undefined) throw new Error(`argument ${at} was not checked`);
    return value;
  }

  text(name: string): string | undefined {
    const value = this.options[name];
    if (value === undefined || typeof value === 'string') return value;
    throw new Error(`option ${name} is no text`);
  }

  whole(name: string): number | undefined {
    const value = this.options[name];
    if (value === undefined || typeof value === 'number') return value;
    throw new Error(`option ${name} is no number`);
  }

  /** False when the option was not given. */
  flag(name: string): boolean {
    return this.options[name] === true;
  }

  /** Values of an option that may be given several times, in order. */
  list(name: string): string[] {
    const value = this.options[name] ?? [];
    if (!Array.isArray(value)) throw new Error(`option ${name} is no list`);
    return value.map(String);
  }

  get json(): boolean {
    return this.flag('json');
  }
}
