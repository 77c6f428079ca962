/**
 * Uploads the files of evidence when they are chosen, and writes their lines into the field that a browser without
 * scripts fills by hand. A file is stored under the digest of its bytes, so choosing it twice changes nothing.
 */
const BYTES_MAX = 25 * 1024 * 1024;

const hex = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

async function upload(file: File): Promise<string> {
  if (file.size > BYTES_MAX) throw new Error(`${file.name} is larger than 25 MiB.`);
  const bytes = await file.arrayBuffer();
  const sha256 = hex(await crypto.subtle.digest('SHA-256', bytes));
  const answer = await fetch(`/evidence/files/${sha256}`, { method: 'PUT', body: bytes });
  if (answer.status === 401) throw new Error('Sign in again; the files were not uploaded.');
  if (!answer.ok) throw new Error(`${file.name} was not uploaded. Try again.`);
  return sha256;
}

async function take(picker: HTMLElement, chosen: HTMLInputElement): Promise<void> {
  const lines = picker.closest('form')?.querySelector<HTMLTextAreaElement>('textarea[name="files"]');
  const said = picker.querySelector<HTMLElement>('[role="status"]');
  const say = (text: string): void => {
    if (said) said.textContent = text;
  };
  const files = [...(chosen.files ?? [])];
  if (!lines || files.length === 0) return;
  say('Uploading …');
  try {
    for (const file of files) {
      const line = `${await upload(file)}  ${file.name}`;
      const known = lines.value.split('\n').filter((each) => each.trim() !== '' && each !== line);
      lines.value = [...known, line].join('\n');
    }
    say(
      files.length === 1
        ? 'Uploaded: it goes with the evidence.'
        : `Uploaded: ${files.length} files go with the evidence.`,
    );
  } catch (error) {
    say(error instanceof Error ? error.message : 'The files were not uploaded. Try again.');
  }
  chosen.value = '';
}

for (const picker of document.querySelectorAll<HTMLElement>('[data-evidence-upload]')) {
  picker.hidden = false;
  const chosen = picker.querySelector<HTMLInputElement>('input[type="file"]');
  chosen?.addEventListener('change', () => void take(picker, chosen));
}

export {}; // a module of its own, so that its names are
