//! Tables from bytes, and what stands in their cells.

use super::*;

fn csv(text: &str, kinds: &[CellKind]) -> Result<Table, TableError> {
    Table::csv(Bytes::copy_from_slice(text.as_bytes()), b',', kinds)
}

fn names(table: &Table) -> Vec<&str> {
    table.columns().iter().map(|column| column.name.as_str()).collect()
}

fn written(table: &Table, row: u64, column: Option<usize>, encoding: Encoding) -> String {
    let mut out = String::new();
    table.write(row, column, &[], encoding, &mut out);
    out
}

#[test]
fn a_csv_file_has_columns_and_rows() {
    let text = "\u{feff}name,age,tags\r\n\"Ann \"\"A\"\" B\",7,\"[1, 2]\"\r\n\r\nüber,,null";
    let table = csv(text, &[CellKind::Text, CellKind::Int, CellKind::Json]).expect("a table");
    assert_eq!((table.len(), names(&table)), (2, vec!["name", "age", "tags"]));
    assert_eq!(written(&table, 0, Some(0), Encoding::Raw), "Ann \"A\" B");
    assert_eq!(written(&table, 0, Some(0), Encoding::JsonValue), "\"Ann \\\"A\\\" B\"");
    assert_eq!(written(&table, 0, Some(0), Encoding::Url), "Ann%20\"A\"%20B");
    assert_eq!(written(&table, 0, Some(1), Encoding::JsonValue), "7");
    assert_eq!(table.value(0, Some(2), &[Step::Index(-1)]), Value::Int(2));
    assert_eq!(table.value(1, Some(1), &[]), Value::Null);
    assert_eq!(written(&table, 1, None, Encoding::Raw), "{\"name\":\"über\",\"age\":null,\"tags\":null}");
}

#[test]
fn bad_rows_are_told_with_their_line() {
    let told = |text: &str, kinds: &[CellKind]| csv(text, kinds).expect_err("bad").to_string();
    assert_eq!(told("a,b\n1,2\n\n3\n", &[]), "line 4: 1 field, and the first line names 2 columns");
    assert_eq!(told("a,b\n\"1\n1\",2\n1,2,3", &[]), "line 4: 3 fields, and the first line names 2 columns");
    assert_eq!(told("a\n7\nx\n", &[CellKind::Int]), "line 3: `x` in column `a` is not a whole number");
    assert_eq!(told("a\n\"x", &[]), "line 2: a quote is opened here and never closed");
    assert_eq!(told("a,a\n", &[]), "line 1: two columns are called `a`");
    assert_eq!(told("a,,b\n", &[]), "line 1: column 2 has no name");
    assert_eq!(told("", &[]), "the file is empty; its first line names the columns");
    let latin = Table::csv(Bytes::from_static(b"a\nM\xfcller\n"), b',', &[]).expect_err("bad").to_string();
    assert_eq!(latin, "line 2: it is not UTF-8 here");
}

#[test]
fn json_lines_have_the_keys_of_all_rows() {
    let text = "{\"sku\": \"a\\n\", \"price\": 1.5}\n\n{\"sku\": \"b\", \"more\": {\"x\": [1]}}\r\n7\n\"t\"";
    let table = Table::json_lines(Bytes::from_static(text.as_bytes())).expect("a table");
    assert_eq!((table.len(), names(&table)), (4, vec!["sku", "price", "more"]));
    let key = |key: &str| Step::Key(key.into());
    assert_eq!(table.value(0, None, &[key("sku")]), Value::Text("a\n".into()));
    assert_eq!(table.value(0, None, &[key("price")]), Value::Float(1.5));
    assert_eq!(table.value(0, None, &[key("more")]), Value::Null);
    assert_eq!(table.value(1, None, &[key("more"), key("x"), Step::Index(0)]), Value::Int(1));
    assert_eq!(written(&table, 1, None, Encoding::Raw), "{\"sku\":\"b\",\"more\":{\"x\":[1]}}");
    assert_eq!(written(&table, 2, None, Encoding::JsonValue), "7");
    assert_eq!(written(&table, 3, None, Encoding::Raw), "t");
    assert_eq!(written(&table, 3, None, Encoding::JsonValue), "\"t\"");
    let told = |text: &'static str| {
        Table::json_lines(Bytes::from_static(text.as_bytes())).expect_err("bad").to_string()
    };
    assert_eq!(told("{}\n{\"a\": }\n"), "line 2: this is no JSON: expected value");
    assert_eq!(told("{} {}"), "line 1: this is no JSON: trailing characters");
}

#[test]
fn lines_and_lists_are_rows_as_they_are() {
    let lines = Table::lines(Bytes::from_static(b"one\r\n\n two \n")).expect("a table");
    assert_eq!(lines.len(), 2);
    assert_eq!(written(&lines, 1, None, Encoding::Component), "%20two%20");
    let list = Table::list(vec![Value::Int(1), Value::Map(vec![("a".into(), Value::Text("x".into()))])]);
    assert_eq!((list.len(), names(&list)), (2, vec!["a"]));
    assert_eq!(list.value(1, None, &[Step::Key("a".into())]), Value::Text("x".into()));
    assert_eq!(list.value(0, None, &[Step::Key("a".into())]), Value::Null);
    assert_eq!(written(&list, 0, None, Encoding::JsonInside), "1");
}

#[test]
fn a_large_file_costs_four_bytes_a_row_beside_itself() {
    let text: String = std::iter::once("id,name\n".to_owned())
        .chain((0..100_000).map(|id| format!("{id},user {id}\n")))
        .collect();
    let bytes = Bytes::from(text);
    let table = Table::csv(bytes.clone(), b',', &[CellKind::Int]).expect("a table");
    let Rows::Csv { file, .. } = &table.rows else { panic!("csv") };
    assert_eq!((file.starts.len(), size_of_val(&*file.starts)), (100_000, 400_000));
    assert_eq!(file.bytes.as_ptr(), bytes.as_ptr(), "the file itself is not copied");
    assert_eq!(table.value(99_999, Some(0), &[]), Value::Int(99_999));
    assert_eq!(written(&table, 70_007, Some(1), Encoding::Raw), "user 70007");
}
