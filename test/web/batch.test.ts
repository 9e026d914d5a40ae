/** The page /batch in a real browser: a CSV file goes in and comes back with prices. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EMBEDDED_CSV } from "../support/stones-csv.ts";
import { createWebTest, SCREENS } from "./support/web-test.ts";

const web = createWebTest();

async function paste(csv: string): Promise<void> {
  await web.page.goto(`${web.url}/batch`);
  await web.page.getByLabel("Or paste rows").fill(csv);
}

const price = () => web.page.getByRole("button", { name: /^Price \d/ }).click();
const heading = (text: string) => web.page.getByRole("heading", { name: text, exact: true }).waitFor();

/** The lines of the file that the page offers. */
async function download(): Promise<string[]> {
  const [file] = await Promise.all([
    web.page.waitForEvent("download"),
    web.page.getByRole("link", { name: "Download the file with prices" }).click(),
  ]);
  return readFileSync(await file.path(), "utf8").split("\n");
}

test("10,000 stones are priced and come back in their order, with a histogram", async () => {
  const [header = "", ...rows] = readFileSync(EMBEDDED_CSV, "utf8").trim().split("\n");
  const path = join(web.folder, "stones.csv");
  // Some stones of the dataset have a size of 0, which no price can be asked for.
  const stones = rows.filter((row) => !/,0(\.0)?(,|$)/.test(row)).slice(0, 10_000);
  writeFileSync(path, [header, ...stones].join("\n"));
  await web.page.goto(`${web.url}/batch`);
  await web.page.getByLabel("CSV file").setInputFiles(path);
  await price();
  await web.page.getByRole("progressbar").waitFor();
  await heading("10,000 priced");
  await web.page.locator(".histogram svg").waitFor();
  const lines = await download();
  expect(lines).toHaveLength(10_001);
  expect(lines[0]).toMatch(/,price,low,high,warnings,error$/);
  for (const [i, line] of lines.slice(1, 20).entries()) expect(line.startsWith(stones[i] ?? "")).toBe(true);
  expect(web.problems).toEqual([]);
});

describe("a file as people have it", () => {
  test("has upper case, spaces, other names and an index column", async () => {
    await paste(
      '"",CARAT,Cut Grade,Colour, Clarity ,Length (mm)\n1,0.7,very good,f,vvs1,5.7\n2,1.1,Ideal,H,SI2,\n',
    );
    await price();
    await heading("2 priced");
    const [header, first] = await download();
    expect(header).toBe(",CARAT,Cut Grade,Colour,Clarity,Length (mm),price,low,high,warnings,error");
    expect(first).toMatch(/^1,0\.7,very good,f,vvs1,5\.7,[\d.]+,[\d.]+,[\d.]+,,$/);
    expect(web.problems).toEqual([]);
  });

  test("has semicolons and decimal commas, and gets prices in the same form", async () => {
    await paste("carat;cut;color;clarity\n0,7;Good;F;VVS1\n");
    await price();
    await heading("1 priced");
    expect((await download())[1]).toMatch(/^0,7;Good;F;VVS1;[\d,]+;[\d,]+;[\d,]+;;$/);
  });

  test("has bad rows: they are marked with the reason, and the others are priced", async () => {
    await paste(
      "carat,cut,color,clarity\n0.7,Good,F,VVS1\nheavy,Good,F,VVS1\n0.7,Superb,F,VVS1\n,Good,F,VVS1\n1.1,Ideal,H,SI2\n",
    );
    await price();
    await heading("2 priced, 3 with an error");
    const notes = await web.page.locator("td.error").allTextContents();
    expect(notes).toEqual([
      "carat must be a number; it is “heavy”",
      expect.stringMatching(/^cut must be one of Fair, Good/),
      "carat is empty",
    ]);
    const lines = await download();
    expect(lines[1]).toMatch(/^0\.7,Good,F,VVS1,[\d.]+/);
    expect(lines[5]).toMatch(/^1\.1,Ideal,H,SI2,[\d.]+/);
  });

  test("has empty lines and a cell of two lines: each row has the line of the file", async () => {
    await paste('note,carat,cut,color,clarity\n\n"a\nb",0.7,Good,F,VVS1\n,,,,\nc,heavy,Good,F,VVS1\n');
    await price();
    await heading("1 priced, 1 with an error");
    // The row with an error comes first.
    expect(await web.page.locator(".rows tbody td:first-child").allTextContents()).toEqual(["6", "3"]);
  });

  test("has two columns of the same name", async () => {
    await paste("note,carat,cut,color,clarity,note\na,0.7,Good,F,VVS1,b\n");
    await price();
    await heading("1 priced");
    expect(await web.page.locator(".rows tbody td").allTextContents()).toEqual(
      expect.arrayContaining(["a", "b"]),
    );
    expect((await download())[1]).toMatch(/^a,0\.7,Good,F,VVS1,b,[\d.]+/);
    expect(web.problems).toEqual([]);
  });

  test("lacks a column: the page says which, and another one can be chosen", async () => {
    await paste("carat,shape grade,color,clarity\n0.7,Good,F,VVS1\n");
    await web.page
      .getByText("Choose the column for cut. The file has carat, shape grade, color, clarity.")
      .waitFor();
    expect(await web.page.getByRole("button", { name: /^Price \d/ }).isDisabled()).toBe(true);
    await web.page.getByLabel("cut", { exact: true }).selectOption("shape grade");
    await price();
    await heading("1 priced");
  });
});

test("a failed call is repeated, and pricing can be cancelled", async () => {
  let calls = 0;
  await web.page.route("**/v1/predictions/batch", (route) =>
    ++calls === 1 ? route.abort() : route.continue(),
  );
  await paste("carat,cut,color,clarity\n0.7,Good,F,VVS1\n");
  await price();
  await heading("1 priced");
  expect(calls).toBe(2);
  await web.page.unroute("**/v1/predictions/batch");
  await web.page.route("**/v1/predictions/batch", () => {});
  await price();
  await web.page.getByRole("button", { name: "Cancel" }).click();
  await web.page.getByText("Cancelled. Nothing was kept.").waitFor();
});

test("an example is priced by keyboard only", async () => {
  await web.page.goto(`${web.url}/batch`);
  const press = async (name: RegExp) => {
    do await web.page.keyboard.press("Tab");
    while (!name.test((await web.page.locator(":focus").textContent()) ?? ""));
    await web.page.keyboard.press("Enter");
  };
  await press(/^Try an example$/);
  await press(/^Price 2 stones/);
  await heading("2 priced");
});

test.each(SCREENS)(
  "the page has no axe violation in %s mode at %i px, and no sideways scrolling",
  async (colorScheme, width) => {
    await web.openPage({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    await web.page.goto(`${web.url}/batch`);
    await web.page.getByRole("button", { name: "Try an example" }).click();
    await price();
    await heading("2 priced");
    await web.page.locator(".histogram svg").waitFor();
    expect(await web.findAxeViolations()).toEqual([]);
    expect(await web.page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  },
);
