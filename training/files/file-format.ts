/**
 * Recognizes what a file is from its first bytes, so that a file that cannot be read is named in an error text.
 */
import { fileTypeFromBuffer } from "file-type";

/** What {@link recognizeFormat} finds. The values are noun phrases for error texts: "the file is ...". */
export const FILE_FORMATS = {
  empty: "empty",
  gzip: "a gzip file",
  zip: "a zip file",
  excel: "an Excel workbook",
  parquet: "a Parquet file",
  arrow: "an Arrow or Feather file",
  pickle: "a Python pickle",
  numpy: "a NumPy file",
  hdf5: "an HDF5 file",
  rData: "an R data file",
  html: "an HTML page",
  xml: "an XML document",
  lfsPointer: "a pointer of Git LFS, not the file itself",
  json: "a JSON document",
  lightgbmText: "a LightGBM text model",
  catboost: "a CatBoost model",
  xgboostBinary: "an XGBoost model in the old binary format",
  sqlite: "an SQLite database",
  pdf: "a PDF document",
  compressed: "a compressed file",
  tar: "a tar archive",
} as const;
export type FileFormat = keyof typeof FILE_FORMATS;

/** More bytes than any of the formats needs. */
const MAX_PREFIX_BYTES = 4_096;

/** Formats that file-type recognizes, by its names for them. */
const BY_EXTENSION: Readonly<Record<string, FileFormat>> = {
  gz: "gzip",
  zip: "zip",
  xlsx: "excel",
  xlsm: "excel",
  ods: "excel",
  cfb: "excel",
  parquet: "parquet",
  arrow: "arrow",
  xml: "xml",
  sqlite: "sqlite",
  pdf: "pdf",
  bz2: "compressed",
  xz: "compressed",
  zst: "compressed",
  lz4: "compressed",
  Z: "compressed",
  lz: "compressed",
  "7z": "compressed",
  rar: "compressed",
  tar: "tar",
  "tar.gz": "gzip",
};

/** Formats by their first bytes, as Latin-1 text. */
const BY_PREFIX: readonly (readonly [string, FileFormat])[] = [
  ["version https://git-lfs.github.com/spec", "lfsPointer"],
  ...["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"].map((prefix) => [prefix, "pickle"] as const),
  // Protocol 0 is text.
  ...["ccopy_reg\n", "cpandas.", "(dp0\n", "(lp0\n"].map((prefix) => [prefix, "pickle"] as const),
  ["\x93NUMPY", "numpy"],
  ["\x89HDF\r\n", "hdf5"],
  ...["RDX2\n", "RDX3\n", "X\n\0\0\0", "A\n2\n", "A\n3\n"].map((prefix) => [prefix, "rData"] as const),
  ["FEA1", "arrow"],
  ["ARROW1", "arrow"],
  ["PAR1", "parquet"],
  ["CBM1", "catboost"],
  ["tree\nversion=", "lightgbmText"],
  ["tree\r\nversion=", "lightgbmText"],
  ["binf", "xgboostBinary"],
  ["bs64", "xgboostBinary"],
];

/** Formats of text, by how it begins. */
const BY_PATTERN: readonly (readonly [RegExp, FileFormat])[] = [
  [/^(<!--[^>]*-->\s*)?<(!doctype html|html|head|body|table|div|title|script)\b/i, "html"],
  [/^<\?xml\b/, "xml"],
  [/^[{[]/, "json"],
];

/**
 * Recognizes the format of a file, whole or its first {@link MAX_PREFIX_BYTES} bytes; null if it is none of
 * {@link FILE_FORMATS}, as for CSV, ONNX and UBJSON.
 */
export async function recognizeFormat(bytes: Uint8Array): Promise<FileFormat | null> {
  if (bytes.length === 0) return "empty";
  const start = Buffer.from(bytes.subarray(0, MAX_PREFIX_BYTES)).toString("latin1");
  const text = start.replace(/^\xef\xbb\xbf/, "").trimStart();
  const found =
    BY_PREFIX.find(([prefix]) => start.startsWith(prefix)) ??
    BY_PATTERN.find(([pattern]) => pattern.test(text));
  if (found !== undefined) return found[1];
  const type = await fileTypeFromBuffer(bytes);
  return (type && BY_EXTENSION[type.ext]) ?? null;
}
