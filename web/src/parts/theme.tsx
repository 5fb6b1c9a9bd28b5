/** Light, dark, or as the system has it; kept in this browser. */
import { Monitor, Moon, Sun } from 'lucide-react';
import { create } from 'zustand';

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

const useTheme = create<{ theme: Theme }>(() => ({ theme: kept() }));

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

/** Before the first drawing. */
export const applyTheme = (): void => apply(useTheme.getState().theme);

export function chooseTheme(theme: Theme): void {
  useTheme.setState({ theme });
  apply(theme);
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It is only forgotten with the page then.
  }
}

export function ThemeButton() {
  const { theme } = useTheme();
  const Icon = ICONS[theme];
  return (
    <button
      type="button"
      aria-label={`Colours: ${theme}. Change`}
      title={`Colours: ${theme}`}
      className="rounded-md p-1.5 text-muted hover:bg-grey-ground hover:text-text"
      onClick={() => chooseTheme(NEXT[theme])}
    >
      <Icon aria-hidden className="size-4" />
    </button>
  );
}
