import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { recognizeFormat } from "../../../training/files/file-format.ts";

test.each([
  ["", "empty"],
  ["version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "lfsPointer"],
  ["\n<!DOCTYPE html><html><body>Sign in</body></html>", "html"],
  ['<?xml version="1.0"?><PMML/>', "xml"],
  ["\x80\x04\x95", "pickle"],
  ["ccopy_reg\n_reconstructor", "pickle"],
  ['<table border="1" class="dataframe">', "html"],
  ["\x93NUMPY\x01", "numpy"],
  ["PAR1\x15", "parquet"],
  ["ARROW1\0\0", "arrow"],
  ["CBM1abc", "catboost"],
  ["tree\nversion=v4\n", "lightgbmText"],
  ["binf", "xgboostBinary"],
  [' [{"nodeid": 0}]', "json"],
  ["%PDF-1.7\n", "pdf"],
  ["BZh91AY&SY", "compressed"],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "excel"],
  ["carat,cut,color\n0.3,Ideal,E\n", null],
])("recognizes %j as %s", async (text, format) => {
  expect(await recognizeFormat(Buffer.from(text, "latin1"))).toBe(format);
});

test("recognizes gzip", async () => {
  expect(await recognizeFormat(gzipSync("carat,cut\n"))).toBe("gzip");
});
