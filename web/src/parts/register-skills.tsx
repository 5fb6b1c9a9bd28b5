/** Saying what one can do. */
import { api } from '../model/api.ts';
import { skillOf } from '../model/skills.ts';
import { Field } from './layout.tsx';
import { SettingsForm } from './settings-form.tsx';

export function RegisterSkills() {
  const send = async ({ skills = '' }: Readonly<Record<string, string>>): Promise<string> => {
    const lines = skills.split('\n').filter((line) => line.trim() !== '');
    await api('POST', 'api/market/skills', { skills: lines.map(skillOf) });
    return lines.length === 1 ? 'Registered one skill.' : `Registered ${lines.length} skills.`;
  };
  return (
    <SettingsForm title="Say what you can do" verb="Register" send={send}>
      <Field
        label="Skills"
        hint="A line each: name, what of it, what you ask. It takes the place of what you said before"
      >
        <textarea
          name="skills"
          required
          rows={3}
          placeholder="rust: parsers and lexers; 5 USD"
          className="field resize-y"
        />
      </Field>
    </SettingsForm>
  );
}
