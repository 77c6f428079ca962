/**
 * Puts the text of a chosen statement into the field that a browser without scripts fills by hand, and sets the format
 * by the ending of the file's name.
 */
/** A form of a page carries at most 64 kB, and its encoding takes a share of that. */
const BYTES_MAX = 40_000;

async function take(picker: HTMLElement, chosen: HTMLInputElement): Promise<void> {
  const form = picker.closest('form');
  const text = form?.querySelector<HTMLTextAreaElement>('textarea[name="text"]');
  const format = form?.querySelector<HTMLSelectElement>('select[name="format"]');
  const said = picker.querySelector<HTMLElement>('[role="status"]');
  const file = chosen.files?.[0];
  if (!text || !format || !said || !file) return;
  if (file.size > BYTES_MAX) {
    said.textContent = `${file.name} is larger than 40 kB: take it by "commonweights bank import".`;
    return;
  }
  text.value = await file.text();
  format.value = file.name.toLowerCase().endsWith('.csv') ? 'CSV' : 'CAMT053';
  const mapping = form?.querySelector<HTMLDetailsElement>('[data-csv-mapping]');
  if (mapping) mapping.open = format.value === 'CSV';
  said.textContent = `${file.name} is in the field below.`;
}

for (const picker of document.querySelectorAll<HTMLElement>('[data-statement-file]')) {
  picker.hidden = false;
  const chosen = picker.querySelector<HTMLInputElement>('input[type="file"]');
  chosen?.addEventListener('change', () => void take(picker, chosen));
}

export {}; // a module of its own, so that its names are
