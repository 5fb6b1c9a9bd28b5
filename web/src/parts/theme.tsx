/** Light, dark, or as the system has it; kept in this browser. */
import { Monitor, Moon, Sun } from 'lucide-react';
import { useState } from 'react';

type Theme = 'system' | 'light' | 'dark';
const KEY = 'skep-theme';
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

/** A browser may forbid storage; then the system decides. */
function kept(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

/** Before the first drawing. */
export const applyTheme = (): void => apply(kept());

export function ThemeButton() {
  const [theme, setTheme] = useState(kept);
  const Icon = ICONS[theme];
  const change = (): void => {
    const next = NEXT[theme];
    setTheme(next);
    apply(next);
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // It is only forgotten with the page then.
    }
  };
  return (
    <button
      type="button"
      aria-label={`Colours: ${theme}. Change`}
      title={`Colours: ${theme}`}
      className="rounded-md p-1.5 text-muted hover:bg-grey-ground hover:text-text"
      onClick={change}
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}
