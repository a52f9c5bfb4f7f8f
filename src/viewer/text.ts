/** Elements of the page by id, and numbers as people read them. */

export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

export function show(id: string, text: string): void {
  element(id).textContent = text;
}

export function thousands(count: number): string {
  return count.toLocaleString("en");
}

export function bytesText(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

export function cssColor(color: number): string {
  return `#${color.toString(16).padStart(6, "0")}`;
}
