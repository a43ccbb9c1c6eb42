//! Takes the tokens, gives a tree: a Pratt parser with the precedence of CEL.
//!
//! ```text
//! expr    = or [ "?" or ":" expr ]
//! or      = and { "||" and }
//! and     = rel { "&&" rel }
//! rel     = sum { ( "<" | "<=" | ">" | ">=" | "==" | "!=" | "in" ) sum }
//! sum     = product { ( "+" | "-" ) product }
//! product = unary { ( "*" | "/" ) unary }
//! unary   = { "!" } primary | { "-" } primary
//! primary = number | text | "true" | "false" | name | name "(" [ expr { "," expr } ] ")"
//!         | "(" expr ")" | "[" [ expr { "," expr } ] "]"
//! ```

use super::lexer::{self, RESERVED, Token};
use super::mistake::{Mistake, Span};

/// Longer than anything a person can read aloud; it bounds all that is made of it.
pub const LENGTH_MAX: usize = 2_000;

/// Deeper than anything a person writes: the stack of whoever walks the tree is bounded by it.
pub const DEPTH_MAX: usize = 64;

/// A node of the tree with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node<'a> {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind<'a>,
    depth: usize,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind<'a> {
    /// `75`
    Whole(f64),
    /// `75.0`
    Number(f64),
    /// `true`
    Flag(bool),
    /// `"running"`
    Text(String),
    /// `oil`, `order.quantity`
    Name(&'a str),
    /// `-a`
    Negate(Box<Node<'a>>),
    /// `!a`
    Not(Box<Node<'a>>),
    /// `a + b`
    Two(Operator, Box<Node<'a>>, Box<Node<'a>>),
    /// `a ? b : c`
    If(Box<[Node<'a>; 3]>),
    /// `[a, b]`
    List(Vec<Node<'a>>),
    /// `avg(oil, "5m")`, with the place of its name.
    Call(&'a str, Span, Vec<Node<'a>>),
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the sign in `Operator::of`")]
pub enum Operator {
    Or,
    And,
    Less,
    AtMost,
    More,
    AtLeast,
    Same,
    Other,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    fn of(token: &Token<'_>) -> Option<(Operator, u8)> {
        Some(match token {
            Token::Sign("||") => (Operator::Or, 1),
            Token::Sign("&&") => (Operator::And, 2),
            Token::Sign("<") => (Operator::Less, 3),
            Token::Sign("<=") => (Operator::AtMost, 3),
            Token::Sign(">") => (Operator::More, 3),
            Token::Sign(">=") => (Operator::AtLeast, 3),
            Token::Sign("==") => (Operator::Same, 3),
            Token::Sign("!=") => (Operator::Other, 3),
            Token::Name("in") => (Operator::In, 3),
            Token::Sign("+") => (Operator::Add, 4),
            Token::Sign("-") => (Operator::Subtract, 4),
            Token::Sign("*") => (Operator::Multiply, 5),
            Token::Sign("/") => (Operator::Divide, 5),
            _ => return None,
        })
    }
}

/// The tree of a text.
///
/// # Errors
/// The first thing that does not fit, with its place.
pub fn parse(text: &str) -> Result<Node<'_>, Mistake> {
    if text.len() > LENGTH_MAX {
        let message = format!("{} bytes long, expected at most {LENGTH_MAX}", text.len());
        return Err(Mistake::at(Span::default(), message));
    }
    let mut parser = Parser { tokens: lexer::tokens(text)?, at: 0, depth: 0 };
    let tree = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(tree),
        _ => Err(parser.left_over()),
    }
}

impl<'a> Node<'a> {
    /// Every name in it that means something of the machine itself, with its place.
    pub fn names(&self, found: &mut Vec<(&'a str, Span)>) {
        match &self.kind {
            Kind::Name(name) => found.push((name, self.span)),
            Kind::Negate(inner) | Kind::Not(inner) => inner.names(found),
            Kind::Two(_, left, right) => [left, right].into_iter().for_each(|node| node.names(found)),
            Kind::If(three) => three.iter().for_each(|node| node.names(found)),
            Kind::Call("any" | "all" | "n_of", _, items)
                if items.iter().any(|item| matches!(item.kind, Kind::Text(_))) => {}
            Kind::List(items) | Kind::Call(_, _, items) => items.iter().for_each(|node| node.names(found)),
            Kind::Whole(_) | Kind::Number(_) | Kind::Flag(_) | Kind::Text(_) => {}
        }
    }
}

struct Parser<'a> {
    tokens: Vec<(Token<'a>, Span)>,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &Token<'a> {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(Span::default(), |(_, span)| *span)
    }

    /// Goes on; the place of the token left behind.
    fn step(&mut self) -> Span {
        let span = self.span();
        self.at += 1;
        span
    }

    fn take(&mut self, sign: &'static str) -> bool {
        let is_there = *self.peek() == Token::Sign(sign);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, sign: &'static str, opened: Span) -> Result<Span, Mistake> {
        if *self.peek() == Token::Sign(sign) {
            return Ok(self.step());
        }
        if *self.peek() == Token::End {
            return Err(Mistake::at(opened, format!("no `{sign}` for what begins")));
        }
        Err(Mistake::at(self.span(), format!("found {}, expected `{sign}`", self.found())))
    }

    fn found(&self) -> String {
        match self.peek() {
            Token::Whole(number) | Token::Number(number) => format!("`{number}`"),
            Token::Text(_) => "words in quotes".to_owned(),
            Token::Name(name) => format!("`{name}`"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".to_owned(),
        }
    }

    /// A whole expression stands, and something follows.
    fn left_over(&self) -> Mistake {
        let mistake =
            Mistake::at(self.span(), format!("found {}, expected an operator or the end", self.found()));
        match self.peek() {
            Token::Name("and") => mistake.help("and is written `&&`"),
            Token::Name("or") => mistake.help("or is written `||`"),
            Token::Sign(",") => mistake.help("a decimal is written with a point: `75.5`"),
            Token::Name(_) => mistake.help("a unit is not written: the number is in the unit of the tag"),
            _ => mistake,
        }
    }

    fn expression(&mut self) -> Result<Node<'a>, Mistake> {
        self.deeper(|parser| {
            let condition = parser.operators(1)?;
            let question = parser.span();
            if !parser.take("?") {
                return Ok(condition);
            }
            // As in CEL, a choice inside the first branch stands in brackets.
            let yes = parser.operators(1)?;
            parser.expect(":", question)?;
            let no = parser.expression()?;
            let span = condition.span.to(no.span);
            parser.node(span, Kind::If(Box::new([condition, yes, no])))
        })
    }

    /// Operands with operators that bind at least so strongly.
    fn operators(&mut self, least: u8) -> Result<Node<'a>, Mistake> {
        self.deeper(|parser| {
            let mut left = parser.unary()?;
            while let Some((operator, strength)) = Operator::of(parser.peek()) {
                if strength < least {
                    break;
                }
                parser.step();
                let right = parser.operators(strength + 1)?;
                let span = left.span.to(right.span);
                left = parser.node(span, Kind::Two(operator, Box::new(left), Box::new(right)))?;
            }
            Ok(left)
        })
    }

    fn unary(&mut self) -> Result<Node<'a>, Mistake> {
        let sign = match self.peek() {
            Token::Sign(sign @ ("!" | "-")) => *sign,
            _ => return self.primary(),
        };
        let mut spans = Vec::new();
        while *self.peek() == Token::Sign(sign) {
            spans.push(self.step());
        }
        let mut node = self.primary()?;
        for span in spans.into_iter().rev() {
            let span = span.to(node.span);
            let inner = Box::new(node);
            node = self.node(span, if sign == "!" { Kind::Not(inner) } else { Kind::Negate(inner) })?;
        }
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node<'a>, Mistake> {
        let span = self.span();
        let kind = match self.peek().clone() {
            Token::Whole(value) => Kind::Whole(value),
            Token::Number(value) => Kind::Number(value),
            Token::Text(text) => Kind::Text(text),
            Token::Name("true") => Kind::Flag(true),
            Token::Name("false") => Kind::Flag(false),
            Token::Name(name) => return self.name(name, span),
            Token::Sign("(") => {
                self.step();
                let inner = self.expression()?;
                let end = self.expect(")", span)?;
                return Ok(Node { span: span.to(end), ..inner });
            }
            Token::Sign("[") => {
                self.step();
                let (items, end) = self.items("]", span)?;
                return self.node(span.to(end), Kind::List(items));
            }
            _ => {
                let message = format!("found {}, expected a value", self.found());
                return Err(Mistake::at(span, message));
            }
        };
        self.step();
        self.node(span, kind)
    }

    fn name(&mut self, name: &'a str, span: Span) -> Result<Node<'a>, Mistake> {
        self.step();
        if name == "not" {
            return Err(Mistake::at(span, "unexpected `not`").help("not is written `!`"));
        }
        if let Some(word) = name.split('.').find(|part| RESERVED.contains(part)) {
            let mistake = Mistake::at(span, format!("`{word}` is a word that CEL keeps for itself"));
            return Err(mistake.help(format!("a tag of this name is written `{word}_`")));
        }
        if !self.take("(") {
            return self.node(span, Kind::Name(name));
        }
        let (arguments, end) = self.items(")", span)?;
        self.node(span.to(end), Kind::Call(name, span, arguments))
    }

    /// Expressions with commas between, up to a closing sign.
    fn items(&mut self, close: &'static str, opened: Span) -> Result<(Vec<Node<'a>>, Span), Mistake> {
        let mut items = Vec::new();
        if *self.peek() == Token::Sign(close) {
            return Ok((items, self.step()));
        }
        loop {
            items.push(self.expression()?);
            if !self.take(",") {
                return Ok((items, self.expect(close, opened)?));
            }
        }
    }

    fn node(&self, span: Span, kind: Kind<'a>) -> Result<Node<'a>, Mistake> {
        let below = match &kind {
            Kind::Negate(inner) | Kind::Not(inner) => inner.depth,
            Kind::Two(_, left, right) => left.depth.max(right.depth),
            Kind::If(three) => three.iter().map(|node| node.depth).max().unwrap_or(0),
            Kind::List(items) | Kind::Call(_, _, items) => {
                items.iter().map(|node| node.depth).max().unwrap_or(0)
            }
            Kind::Whole(_) | Kind::Number(_) | Kind::Flag(_) | Kind::Text(_) | Kind::Name(_) => 0,
        };
        if below >= DEPTH_MAX { Err(too_deep(span)) } else { Ok(Node { span, kind, depth: below + 1 }) }
    }

    /// Counts how deep the parser itself is. Two calls for each bracket.
    fn deeper(
        &mut self,
        parse: impl FnOnce(&mut Parser<'a>) -> Result<Node<'a>, Mistake>,
    ) -> Result<Node<'a>, Mistake> {
        if self.depth >= 2 * DEPTH_MAX {
            return Err(too_deep(self.span()));
        }
        self.depth += 1;
        let node = parse(self);
        self.depth -= 1;
        node
    }
}

fn too_deep(span: Span) -> Mistake {
    Mistake::at(span, format!("more than {DEPTH_MAX} levels deep")).help("make several rules of it")
}
