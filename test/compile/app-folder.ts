/** A small application on disk. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export class AppFolder {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'skep-app-')));

  /** Writes files by their path below the folder; objects become JSON. */
  write(files: Readonly<Record<string, string | object>>): this {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(this.path(path)), { recursive: true });
      writeFileSync(this.path(path), typeof content === 'string' ? content : JSON.stringify(content));
    }
    return this;
  }

  link(path: string, to: string): this {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    symlinkSync(to, this.path(path));
    return this;
  }

  path(path: string): string {
    return join(this.dir, path);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
