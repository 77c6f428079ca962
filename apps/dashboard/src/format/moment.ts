/** Times as people read them, in UTC because the record is public and read everywhere. */

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const minute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' });
const second = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZone: 'UTC',
});

export const date = (iso: string): string => day.format(new Date(iso));
export const dateTime = (iso: string): string => `${day.format(new Date(iso))}, ${minute.format(new Date(iso))} UTC`;
export const clock = (iso: string | number): string => second.format(new Date(iso));

/** `3 min ago`, `in 12 days`; `now` is passed in so that the server's text and the browser's first render agree. */
export function relative(iso: string, now: number): string {
  const seconds = Math.round((new Date(iso).getTime() - now) / 1000);
  const size = Math.abs(seconds);
  if (size < 5) return 'just now';
  const text =
    size < 60
      ? `${size} s`
      : size < 3600
        ? `${Math.floor(size / 60)} min`
        : size < 86_400
          ? `${Math.floor(size / 3600)} h`
          : plural(Math.floor(size / 86_400), 'day');
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

/** `4 min 12 s` between two instants. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
