// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Benchmarks.Rows;
using ColoWire.Figures;
using ColoWire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Tests.Figures;

/// <summary>The rows in which all that measures writes its figures down, and the table that is made of them.</summary>
public sealed class RowTests
{
    private const string Five = "[3,1,2,5,4]";

    [TestCase("3", "is 3; an object is needed")]
    [TestCase("{", "no JSON object at byte")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[]}""", "runs is []; an array of numbers is needed")]
    [TestCase("""{"group":"g","what":"w","unit":"ns"}""", "runs is missing")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1,"2"]}""", "runs: \"2\" is no number")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1e999]}""", "runs: 1e999 is no number")]
    [TestCase("""{"group":"g","what":"w","unit":"","runs":[1]}""", "unit is \"\"; a text is needed")]
    [TestCase("""{"group":7,"what":"w","unit":"ns","runs":[1]}""", "group is 7; a text is needed")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1],"anchorruns":[1]}""", "has a field 'anchorruns'; known are")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1],"anchor":"a"}""", "anchor without anchorRuns")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1],"anchorRuns":[1]}""", "anchorRuns without anchor")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1],"bar":{"of":"value"}}""", "neither least nor most; exactly one")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1],"bar":{"of":"value","least":1,"most":2}}""",
        "least and most; exactly one")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1],"bar":{"of":"mean","most":2}}""",
        "of is 'mean'; allowed are value, each, ratio and interval")]
    [TestCase("""{"group":"g","what":"w","unit":"ns","runs":[1],"bar":{"of":"ratio","most":2}}""",
        "a bar of the ratio needs anchor")]
    public void A_bad_row_is_told_with_its_place_and_what_is_wrong(string line, string message) =>
        Assert.That(
            () => RowReader.Read(line, "rows:7"),
            Throws.TypeOf<BadInputException>().With.Message.StartsWith("rows:7: ").And.Message.Contains(message)
                .And.Message.Not.Contains("\n"));

    [TestCase(Five, null, """{"of":"value","least":3}""", "met")]
    [TestCase(Five, null, """{"of":"value","least":3.1}""", "MISSED")]
    [TestCase(Five, null, """{"of":"value","most":3}""", "met")]
    [TestCase(Five, null, """{"of":"value","most":2.9}""", "MISSED")]
    [TestCase(Five, "[6,6,6,6,6]", """{"of":"ratio","most":0.5}""", "met")]
    [TestCase(Five, "[6,6,6,6,6]", """{"of":"ratio","least":0.51}""", "MISSED")]
    [TestCase(Five, "[0,0,0,0,0]", """{"of":"ratio","most":9}""", "MISSED")]
    [TestCase("[0,0,1,0,0]", null, """{"of":"value","most":0}""", "met")]
    [TestCase("[0,0,1,0,0]", null, """{"of":"each","most":0}""", "MISSED")]
    [TestCase("[0,0,1,0,0]", null, """{"of":"each","most":1}""", "met")]
    [TestCase("[9,9,8,9,9]", null, """{"of":"each","least":9}""", "MISSED")]
    [TestCase("[9,9,8,9,9]", null, """{"of":"interval","least":9}""", "met")]
    [TestCase("[8,8,7,8,8]", null, """{"of":"interval","least":9}""", "MISSED")]
    [TestCase("[8,8,7,8,8]", null, """{"of":"interval","most":7}""", "met")]
    [TestCase("[8,8,7,8,8]", null, """{"of":"interval","most":6}""", "MISSED")]
    [TestCase("[1,2,3,4]", null, """{"of":"value","most":9}""", "MISSED: fewer than 5 runs")]
    [TestCase(Five, "[6,6,6,6]", """{"of":"ratio","most":9}""", "MISSED: fewer than 5 runs")]
    public void A_bar_is_held_against_the_median_each_run_or_the_ratio_of_medians(
        string runs, string? anchorRuns, string bar, string verdict)
    {
        string anchor = anchorRuns == null ? string.Empty : $",\"anchor\":\"a\",\"anchorRuns\":{anchorRuns}";
        Row row = RowReader.Read(
            $"{{\"group\":\"g\",\"what\":\"w\",\"unit\":\"ns\",\"runs\":{runs}{anchor},\"bar\":{bar}}}", "rows:1");
        Assert.That(RowText.Cells(row)[^1], Is.EqualTo(verdict));
    }

    [TestCase("pairs/s", new double[] { 100, 110, 90, 100, 100 }, new double[] { 97, 100, 88, 90, 97 }, "met")]
    [TestCase("pairs/s", new double[] { 100, 110, 90, 100, 100 }, new double[] { 96, 100, 87, 90, 96 }, "MISSED")]
    [TestCase("ns/pair", new double[] { 100, 110, 90, 100, 100 }, new double[] { 103, 120, 95, 110, 110 }, "met")]
    [TestCase("ns/pair", new double[] { 100, 110, 90, 100, 100 }, new double[] { 104, 120, 95, 110, 110 }, "MISSED")]
    [TestCase("ns/pair", new double[] { 100, 110, 90, 100 }, new double[] { 50, 50, 50, 50 }, "MISSED: fewer than 5 runs")]
    public void A_program_is_slower_than_an_older_one_where_it_is_in_every_turn(
        string unit, double[] before, double[] after, string verdict)
    {
        Row row = AgainstCommand.Compare(Turns(unit, before), Turns(unit, after)).Single();
        Assert.That(RowText.Cells(row)[^1], Is.EqualTo(verdict));
    }

    [Test]
    public void Turns_that_one_program_lacks_are_told() => Assert.That(
        () => AgainstCommand.Compare(Turns("pairs/s", [1, 2, 3]), Turns("pairs/s", [1, 2])),
        Throws.TypeOf<BadInputException>().With.Message.EqualTo("w: 3 turns in OLD and 2 in NEW; as many are needed"));

    [Test]
    public void Rows_of_other_units_and_names_are_not_held_against_each_other() => Assert.That(
        () => AgainstCommand.Compare(Turns("B", [1]), Turns("B", [1])),
        Throws.TypeOf<BadInputException>().With.Message.EqualTo("OLD and NEW have no row of speed with the same name"));

    private static Row[] Turns(string unit, double[] figures) => [.. figures.Select(figure => new Row("g", "w", unit, [figure]))];

    [TestCase(0, "0")]
    [TestCase(0.00004, "4E-05")]
    [TestCase(0.75, "0.75")]
    [TestCase(12.34, "12.3")]
    [TestCase(2101.6, "2102")]
    [TestCase(43_210, "43.2 k")]
    [TestCase(20e6, "20.0 M")]
    public void A_number_has_the_digits_that_say_something(double number, string text) =>
        Assert.That(RowText.Number(number), Is.EqualTo(text));

    [Test]
    public void What_is_written_is_read_again_and_makes_a_table()
    {
        using ScratchFolder folder = new();
        string path = folder.File("rows.jsonl");
        Row row = new("wire", "64-byte UDP", "ns/pair", [5, 1, 2, 4, 3])
        {
            Anchor = "bare forwarder",
            AnchorRuns = [2, 2, 2, 2, 2],
            Bar = new Bar(BarSubject.Ratio, Most: 1.25),
            Note = "a|b",
        };
        RowFile.Append(path, row);
        RowFile.Append(path, new Row("wire", "frames | lost", "frames", [0]));
        Assert.That(TableCommand.Markdown(RowFile.Read(path)), Is.EqualTo(
            """
            | group | what | ours | runs | unit | anchor | ratio | bar | verdict |
            | --- | --- | --- | --- | --- | --- | --- | --- | --- |
            | wire | 64-byte UDP | 3.00 (1.00..5.00) | 5 | ns/pair | bare forwarder: 2.00 | 1.50 | ratio ≤ 1.25 | MISSED |
            | wire | frames \| lost | 0 | 1 | frames |  |  |  |  |

            2 rows, 1 with a bar: 0 met, 1 missed.

            - wire, 64-byte UDP: a|b

            """));
    }

    [Test]
    public void A_file_that_is_not_there_or_has_no_row_is_told()
    {
        using ScratchFolder folder = new();
        string path = folder.File("rows.jsonl");
        Assert.That(() => RowFile.Read(path), Throws.TypeOf<BadInputException>().With.Message.Contains("cannot be read"));
        System.IO.File.WriteAllText(path, "\n");
        Assert.That(() => RowFile.Read(path), Throws.TypeOf<BadInputException>().With.Message.Contains("no rows"));
    }
}
