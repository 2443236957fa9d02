//! The tuples of `utrace.syscalls.shapes` become shapes.

use std::collections::HashMap;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use utrace_sys::shape::{Count, Known, Layout, Number, Program, Returned, Shape, Written};

/// One tuple: its first word, and what follows.
struct Node<'py>(Bound<'py, PyTuple>);

impl<'py> Node<'py> {
    fn of(item: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self(item.cast::<PyTuple>()?.clone()))
    }

    fn word(&self) -> PyResult<String> {
        self.at(0)
    }

    fn at<T>(&self, index: usize) -> PyResult<T>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        self.0
            .get_item(index)?
            .extract()
            .map_err(Into::<PyErr>::into)
    }

    fn node(&self, index: usize) -> PyResult<Self> {
        Self::of(&self.0.get_item(index)?)
    }

    fn unknown<T>(&self) -> PyResult<T> {
        let shown = self.0.repr()?;
        Err(PyValueError::new_err(format!("no shape: {shown}")))
    }
}

fn written(node: &Node<'_>, index: usize) -> PyResult<Written> {
    if let Ok(table) = node.at::<u32>(index) {
        return Ok(Written::Word(table));
    }
    match node.at::<String>(index)?.as_str() {
        "decimal" => Ok(Written::Decimal),
        "hex" => Ok(Written::Hex),
        "address" => Ok(Written::Address),
        "descriptor" => Ok(Written::Descriptor),
        _ => node.unknown(),
    }
}

/// ("number", size, signed, written)
fn number(node: &Node<'_>) -> PyResult<Number> {
    Ok(Number {
        size: node.at(1)?,
        signed: node.at(2)?,
        written: written(node, 3)?,
    })
}

fn count(node: &Node<'_>) -> PyResult<Count> {
    match node.word()?.as_str() {
        "fixed" => Ok(Count::Fixed(node.at(1)?)),
        "argument" => Ok(Count::Argument(node.at(1)?, node.at(2)?)),
        "returned" => Ok(Count::Returned),
        "at" => Ok(Count::At(node.at(1)?)),
        _ => node.unknown(),
    }
}

fn layout(node: &Node<'_>) -> PyResult<Layout> {
    match node.word()?.as_str() {
        "number" => Ok(Layout::Cell(number(node)?)),
        "record" => {
            let fields = node.node(1)?;
            let fields = fields.0.iter().map(|field| {
                let field = Node::of(&field)?;
                Ok((field.at(0)?, field.at(1)?, layout(&field.node(2)?)?))
            });
            Ok(Layout::Record {
                fields: fields.collect::<PyResult<_>>()?,
                brief: node.at(2)?,
                size: node.at(3)?,
            })
        }
        "either" => Ok(Layout::Either {
            at: node.at(1)?,
            told_by: node.at(2)?,
            layouts: Box::new((layout(&node.node(3)?)?, layout(&node.node(4)?)?)),
        }),
        "chars" => Ok(Layout::Chars {
            size: node.at(1)?,
            string: node.at(2)?,
        }),
        "opaque" => Ok(Layout::Opaque(node.at(1)?)),
        _ => node.unknown(),
    }
}

fn shape(node: &Node<'_>) -> PyResult<Shape> {
    let inner = |index| -> PyResult<Box<Shape>> { Ok(Box::new(shape(&node.node(index)?)?)) };
    Ok(match node.word()?.as_str() {
        "number" => Shape::Number(number(node)?),
        "absent" => Shape::Absent,
        "foreign" => Shape::Foreign,
        "ordinary" => Shape::Ordinary,
        "path" => Shape::Path,
        "text" => Shape::Text,
        "buffer" => Shape::Buffer(count(&node.node(1)?)?),
        "pointer" => Shape::Pointer(layout(&node.node(1)?)?, node.at(2)?),
        "array" => Shape::Array(layout(&node.node(1)?)?, count(&node.node(2)?)?),
        "block" => Shape::Block(count(&node.node(1)?)?, node.at(2)?, node.at(3)?),
        "linked" => Shape::Linked(count(&node.node(1)?)?, node.at(2)?, node.at(3)?),
        "entries" => Shape::Entries,
        "strings" => Shape::Strings,
        "variables" => Shape::Variables,
        "vector" => {
            let total = node.0.get_item(2)?;
            let total = (!total.is_none()).then(|| Node::of(&total)).transpose()?;
            Shape::Vector(
                count(&node.node(1)?)?,
                total.as_ref().map(count).transpose()?,
            )
        }
        "out" => Shape::Out(inner(1)?, node.at(2)?),
        "unless" => Shape::Unless(inner(1)?),
        "in-out" => Shape::InOut(inner(1)?, node.at(2)?),
        "when" => Shape::When(node.at(1)?, node.at(2)?, inner(3)?),
        "choice" => {
            let cases = node.0.get_item(3)?;
            let cases = cases
                .cast::<PyDict>()?
                .iter()
                .map(|(value, case)| Ok((value.extract::<u64>()?, shape(&Node::of(&case)?)?)));
            let cases = cases.collect::<PyResult<HashMap<_, _>>>()?;
            Shape::Choice(node.at(1)?, node.at(2)?, cases, inner(4)?)
        }
        _ => return node.unknown(),
    })
}

fn known(word: &str) -> Known {
    match word {
        "late" => Known::Late,
        "both" => Known::Both(false),
        "noted" => Known::Both(true),
        _ => Known::Early,
    }
}

fn returned(word: &str) -> Returned {
    match word {
        "decimal" => Returned::Number(Written::Decimal),
        "hex" => Returned::Number(Written::Hex),
        "address" => Returned::Number(Written::Address),
        "descriptor" => Returned::Number(Written::Descriptor),
        "octal" => Returned::Octal,
        "nothing" => Returned::Nothing,
        _ => Returned::Foreign,
    }
}

/// The program that Python compiled.
pub(crate) fn program(
    name: String,
    shapes: &Bound<'_, PyTuple>,
    late: Vec<usize>,
    known_words: &[String],
    word: usize,
    (returned_word, foreign): (&str, bool),
    (socket, frame): (Option<usize>, Option<u64>),
) -> PyResult<Program> {
    if shapes.len() > 6
        || late
            .iter()
            .chain(&socket)
            .any(|&index| index >= shapes.len())
    {
        return Err(PyValueError::new_err("a call has at most six arguments"));
    }
    let shapes = shapes.iter().map(|item| shape(&Node::of(&item)?));
    Ok(Program {
        name,
        shapes: shapes.collect::<PyResult<_>>()?,
        late,
        known: known_words.iter().map(|word| known(word)).collect(),
        word,
        returned: returned(returned_word),
        foreign,
        socket,
        frame,
    })
}
