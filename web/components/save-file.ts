/** Lets the browser download content that the page holds. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has the content once the download has begun, which is after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
