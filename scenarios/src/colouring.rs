//! The fresh deal as a colouring of edges; `deal` says what it is for.
//!
//! A [`Colouring`] takes one user after the other and gives each a colour (its worker) such that no two users in the same
//! block share one. Earlier users may be recoloured on the way. It knows neither classes nor ranks: a user is an edge
//! between two numbered blocks.

/// No edge has this colour at this block.
const NONE: u32 = u32::MAX;

/// Edges between the blocks of two sides, each block with at most `colours` edges, coloured so that those differ.
///
/// An edge takes the lowest colour that is free at both of its blocks. If there is none, a colour a is free at the left
/// block and another, b, at the right one. From the right block leads a path of edges coloured a, b, a, b, …; it cannot
/// come to the left block, which it would have to enter by an edge coloured a. Swapping a and b along it keeps all
/// blocks right and frees a at the right block too, and the edge takes it.
///
/// Three colours, edges 0-0, 0-1, 0-2, then 1-0, 1-1: coloured 0, 1, 2, 1, 0. The next edge, 1-2, finds 2 free on the left;
/// on the right 0 and 1. The path from right block 2 along 2 is the edge 0-2, and from left block 0 along 0 the edge 0-0,
/// and from right block 0 there is no edge coloured 2. Swapped, 0-2 is 0 and 0-0 is 2, and 1-2 takes 2.
///
/// Source: König (1916); the bound that colours are never short is his theorem on bipartite graphs.
pub(crate) struct Colouring {
    /// Words of a bitset of colours.
    words: usize,
    left: Side,
    right: Side,
    edges: Vec<Edge>,
    /// The edges of the path being swapped, kept to be used again.
    path: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Edge {
    left: u32,
    right: u32,
    colour: u32,
}

/// The blocks of one side.
struct Side {
    blocks: usize,
    /// The edge of each colour at each block, colour by colour: a path needs two of the rows, and they stay in cache.
    edge: Vec<u32>,
    /// Per block the set of its free colours.
    free: Vec<u64>,
}

impl Side {
    fn new(blocks: usize, colours: usize, words: usize) -> Self {
        let mut free = vec![u64::MAX; blocks * words];
        let spare = words * 64 - colours;
        free.iter_mut().skip(words - 1).step_by(words).for_each(|last| *last >>= spare);
        Self { blocks, edge: vec![NONE; blocks * colours], free }
    }

    fn cell(&self, block: u32, colour: u32) -> usize {
        colour as usize * self.blocks + block as usize
    }

    fn edge(&self, block: u32, colour: u32) -> Option<u32> {
        Some(self.edge[self.cell(block, colour)]).filter(|edge| *edge != NONE)
    }

    fn set(&mut self, block: u32, colour: u32, edge: u32) {
        let cell = self.cell(block, colour);
        self.edge[cell] = edge;
    }
}

impl Colouring {
    /// No edges yet between so many blocks on either side; `colours` is at least 1.
    pub(crate) fn new(colours: usize, left: usize, right: usize) -> Self {
        let words = colours.div_ceil(64);
        Self {
            words,
            left: Side::new(left, colours, words),
            right: Side::new(right, colours, words),
            edges: Vec::new(),
            path: Vec::new(),
        }
    }

    /// Adds an edge between two blocks that have fewer than `colours` each. Edges come in order of their left block.
    pub(crate) fn add(&mut self, left: u32, right: u32) {
        let edge = u32::try_from(self.edges.len()).unwrap_or(NONE);
        let colour = self.common(left, right).or_else(|| self.make_room(left, right)).unwrap_or(0);
        debug_assert!(self.left.edge(left, colour).is_none(), "left block {left} is over-full");
        debug_assert!(self.right.edge(right, colour).is_none(), "right block {right} is over-full");
        self.edges.push(Edge { left, right, colour });
        self.left.set(left, colour, edge);
        self.right.set(right, colour, edge);
        self.mark(left, right, colour);
    }

    /// The colour of each edge, in the order in which they were added.
    pub(crate) fn into_colours(self) -> Vec<u32> {
        self.edges.into_iter().map(|edge| edge.colour).collect()
    }

    fn free_left(&self, block: u32) -> &[u64] {
        &self.left.free[block as usize * self.words..][..self.words]
    }

    fn free_right(&self, block: u32) -> &[u64] {
        &self.right.free[block as usize * self.words..][..self.words]
    }

    /// The lowest colour that is free at both blocks.
    fn common(&self, left: u32, right: u32) -> Option<u32> {
        first(self.free_left(left).iter().zip(self.free_right(right)).map(|(a, b)| a & b))
    }

    /// Frees, at `right`, the lowest colour that is free at `left`, and returns it.
    fn make_room(&mut self, left: u32, right: u32) -> Option<u32> {
        let wanted = first(self.free_left(left).iter().copied())?;
        let other = first(self.free_right(right).iter().copied())?;
        let end = self.walk(right, wanted, other);
        self.swap(wanted, other);
        // All blocks between keep both colours; the two ends exchange one for the other. The path never ends on the
        // left: the blocks there before this one are full, and it does not come to this one.
        for block in [right, end] {
            flip(&mut self.right.free[block as usize * self.words..], wanted);
            flip(&mut self.right.free[block as usize * self.words..], other);
        }
        Some(wanted)
    }

    /// Collects the path from `right` along edges of the colours `a`, `b`, `a`, …; returns the right block it ends at.
    fn walk(&mut self, right: u32, a: u32, b: u32) -> u32 {
        self.path.clear();
        let mut block = right;
        while let Some(there) = self.right.edge(block, a) {
            self.path.push(there);
            let Some(back) = self.left.edge(self.edges[there as usize].left, b) else { break };
            self.path.push(back);
            block = self.edges[back as usize].right;
        }
        block
    }

    /// Exchanges the two colours along the path.
    fn swap(&mut self, a: u32, b: u32) {
        for &edge in &self.path {
            let Edge { left, right, colour } = self.edges[edge as usize];
            self.left.set(left, colour, NONE);
            self.right.set(right, colour, NONE);
        }
        for &edge in &self.path {
            let Edge { left, right, colour } = &mut self.edges[edge as usize];
            *colour = if *colour == a { b } else { a };
            self.left.set(*left, *colour, edge);
            self.right.set(*right, *colour, edge);
        }
    }

    /// Takes `colour`, which is free at both blocks, from what is free there.
    fn mark(&mut self, left: u32, right: u32, colour: u32) {
        flip(&mut self.left.free[left as usize * self.words..], colour);
        flip(&mut self.right.free[right as usize * self.words..], colour);
    }
}

fn flip(set: &mut [u64], colour: u32) {
    set[colour as usize / 64] ^= 1 << (colour % 64);
}

/// The lowest member of a bitset.
fn first(words: impl Iterator<Item = u64>) -> Option<u32> {
    (0_u32..).zip(words).find(|(_, word)| *word != 0).map(|(index, word)| index * 64 + word.trailing_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_above() {
        let mut colouring = Colouring::new(3, 2, 3);
        let edges = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)];
        for (left, right) in edges {
            colouring.add(left, right);
        }
        let before: Vec<u32> = colouring.edges.iter().map(|edge| edge.colour).collect();
        assert_eq!(before, [0, 1, 2, 1, 0]);
        colouring.add(1, 2);
        assert_eq!(colouring.into_colours(), [2, 1, 0, 1, 0, 2]);
    }
}
