import Foundation
import IO
import Testing

@testable import Scheduler

@Suite("Cron expressions") struct CronExpressionTests {
    private func ticks(_ text: String, from: LocalTime, count: Int) throws -> [LocalTime] {
        let cron = try CronExpression(text)
        var ticks: [LocalTime] = []
        var time = from
        while ticks.count < count, let next = cron.next(after: time) {
            ticks.append(next)
            time = next
        }
        return ticks
    }

    @Test func stepsRangesListsAndNames() throws {
        let from = LocalTime(2026, 11, 24, 10, 0)
        #expect(
            try ticks("*/20 * * * *", from: from, count: 3) == [
                .init(2026, 11, 24, 10, 20), .init(2026, 11, 24, 10, 40), .init(2026, 11, 24, 11),
            ])
        #expect(
            try ticks("5,50-52 9-17/4 * * *", from: from, count: 3) == [
                .init(2026, 11, 24, 13, 5), .init(2026, 11, 24, 13, 50), .init(2026, 11, 24, 13, 51),
            ])
        #expect(try ticks("0 3 * jan-feb MON,fri", from: from, count: 2) == [.init(2027, 1, 1, 3), .init(2027, 1, 4, 3)])
        #expect(try ticks("10/25 * * * *", from: from, count: 2) == [.init(2026, 11, 24, 10, 10), .init(2026, 11, 24, 10, 35)])
        #expect(try ticks("0 0 * * 7", from: from, count: 1) == [.init(2026, 11, 29)])
        #expect(
            try ticks("0 0 * * fri-mon", from: from, count: 5).map { LocalTime.weekday(ofDay: $0.seconds / 86_400) } == [5, 6, 0, 1, 5])
    }

    @Test func aTickIsAfterTheTimeNeverAtIt() throws {
        #expect(try ticks("0 10 * * *", from: LocalTime(2026, 11, 24, 10), count: 1) == [.init(2026, 11, 25, 10)])
        #expect(
            try ticks("0 10 * * *", from: LocalTime(seconds: LocalTime(2026, 11, 24, 10).seconds - 1), count: 1) == [
                .init(2026, 11, 24, 10)
            ])
    }

    @Test func bothDaysRestrictedMeansEither() throws {
        #expect(
            try ticks("0 0 13 * fri", from: LocalTime(2026, 11, 1), count: 5).map { LocalTime.date(ofDay: $0.seconds / 86_400).day } == [
                6, 13, 20, 27, 4,
            ])
    }

    @Test func leapDays() throws {
        #expect(try ticks("0 0 29 2 *", from: LocalTime(2026, 1, 1), count: 2) == [.init(2028, 2, 29), .init(2032, 2, 29)])
        #expect(try ticks("0 0 31 * *", from: LocalTime(2026, 1, 31), count: 2) == [.init(2026, 3, 31), .init(2026, 5, 31)])
    }

    @Test(arguments: [
        ("* * * *", "4 fields"), ("60 * * * *", "the minute '60'"), ("* 24 * * *", "the hour '24'"), ("* * 0 * *", "the day of month '0'"),
        ("* * * 13 *", "the month '13'"), ("* * * * 8", "the day of week '8'"), ("*/0 * * * *", "'0' is no step"),
        ("5-1 * * * *", "runs backwards"),
        ("a * * * *", "'a'"), ("1- * * * *", "''"), ("1,,2 * * * *", "''"), ("* * * foo *", "JAN to DEC"), ("*/2/3 * * * *", "one '/'"),
        ("0 0 30 2 *", "no month has such a day"), ("@fortnightly", "the presets are"), ("@continuous", "continuous"), ("* * L * *", "'L'"),
        ("+1 * * * *", "'+1'"),
    ]) func whatIsWrongIsNamed(text: String, part: String) {
        let error = #expect(throws: InvalidTimetable.self) { try Timetable.cron(text) }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
    }

    @Test func unknownTimeZonesAreRefused() {
        #expect(throws: InvalidTimetable.self) { try Timetable.cron("@daily", timeZone: "Europe/Atlantis") }
    }

    @Test func words() throws {
        #expect(Timetable.daily.words == "At 00:00")
        #expect(try Timetable.cron("* * * * *").words == "Every minute")
        #expect(try Timetable.cron("*/5 * * * *").words == "Every 5 minutes")
        #expect(try Timetable.cron("30 6 * * 1", timeZone: "Europe/Berlin").words == "At 06:30, on Monday (Europe/Berlin)")
        #expect(Timetable.none.words == "Never, runs are triggered")
    }
}

@Suite("Timetables") struct TimetableTests {
    private func ticks(_ timetable: Timetable, from: String, count: Int) throws -> [String] {
        let start = try #require(Moment(parsing: from)).date
        var ticks: [String] = []
        var time = start
        while ticks.count < count, let next = timetable.next(after: time, anchor: start) {
            ticks.append(Moment(next).text)
            time = next
        }
        return ticks
    }

    /// Europe/Berlin, 29 March 2026: 02:00 becomes 03:00 (01:00 UTC).
    @Test func aSkippedReadingIsTakenAfterTheChange() throws {
        let daily = try Timetable.cron("30 2 * * *", timeZone: "Europe/Berlin")
        #expect(
            try ticks(daily, from: "2026-03-27T12:00:00Z", count: 3) == [
                "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z",
            ])
    }

    @Test func theHourThatIsSkippedLosesNoOpenTick() throws {
        let quarters = try Timetable.cron("*/30 * * * *", timeZone: "Europe/Berlin")
        #expect(
            try ticks(quarters, from: "2026-03-29T00:15:00Z", count: 4) == [
                "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z",
            ])
    }

    /// Europe/Berlin, 25 October 2026: 03:00 becomes 02:00 (01:00 UTC).
    @Test func aReadingThatComesTwiceTicksOnce() throws {
        let daily = try Timetable.cron("30 2 * * *", timeZone: "Europe/Berlin")
        #expect(try ticks(daily, from: "2026-10-24T12:00:00Z", count: 2) == ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"])
    }

    @Test func theHourThatComesTwiceTicksTwiceWhereTheHourIsOpen() throws {
        let hourly = try Timetable.cron("30 * * * *", timeZone: "Europe/Berlin")
        #expect(
            try ticks(hourly, from: "2026-10-24T23:45:00Z", count: 3) == [
                "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z",
            ])
    }

    /// Lord Howe Island changes by half an hour; New York is west of UTC; Samoa skipped the whole of 30 December 2011.
    @Test func oddZones() throws {
        let lordHowe = try Timetable.cron("15 2 * * *", timeZone: "Australia/Lord_Howe")
        #expect(try ticks(lordHowe, from: "2026-10-02T20:00:00Z", count: 2) == ["2026-10-03T15:45:00Z", "2026-10-04T15:15:00Z"])
        let newYork = try Timetable.cron("0 1 * * *", timeZone: "America/New_York")
        #expect(try ticks(newYork, from: "2026-10-31T12:00:00Z", count: 2) == ["2026-11-01T05:00:00Z", "2026-11-02T06:00:00Z"])
        let apia = try Timetable.cron("0 0 * * *", timeZone: "Pacific/Apia")
        #expect(
            try ticks(apia, from: "2011-12-28T12:00:00Z", count: 3) == [
                "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z",
            ])
    }

    @Test func everyTickIsAfterItsPredecessorForYears() throws {
        for text in ["*/7 */5 * * *", "15,45 1-3 * * *", "0 0 * * 1-5", "30 2 1,15 * sun"] {
            for zone in ["Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"] {
                let timetable = try Timetable.cron(text, timeZone: zone)
                var time = Date(timeIntervalSince1970: 1_700_000_000)
                for _ in 0..<400 {
                    let next = try #require(timetable.next(after: time, anchor: time))
                    #expect(next > time)
                    time = next
                }
            }
        }
    }

    @Test func intervalsCountFromTheAnchor() throws {
        #expect(
            try ticks(.interval(.seconds(90)), from: "2026-01-01T00:00:00Z", count: 2) == ["2026-01-01T00:01:30Z", "2026-01-01T00:03:00Z"])
    }

    @Test func theLastTickBeforeATime() throws {
        let now = try #require(Moment(parsing: "2026-11-24T10:00:00Z")).date
        let floor = try #require(Moment(parsing: "2020-01-01T00:00:00Z")).date
        #expect(Timetable.daily.last(upTo: now, after: floor, anchor: floor).map { Moment($0).text } == "2026-11-24T00:00:00Z")
        #expect(Timetable.yearly.last(upTo: now, after: floor, anchor: floor).map { Moment($0).text } == "2026-01-01T00:00:00Z")
        #expect(Timetable.daily.last(upTo: now, after: now.addingTimeInterval(-3_600), anchor: floor) == nil)
        #expect(try Timetable.cron("0 10 24 11 *").last(upTo: now, after: floor, anchor: floor) == now)
    }

    @Test func moments() throws {
        for (text, result) in [
            ("2026-11-24T03:33:20.458843+00:00", "2026-11-24T03:33:20.458843Z"), ("2026-11-24", "2026-11-24T00:00:00Z"),
            ("2026-11-24T05:00:00+05:30", "2026-11-23T23:30:00Z"), ("2026-11-24 05:00:00.5Z", "2026-11-24T05:00:00.500000Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
        ] { #expect(Moment(parsing: text)?.text == result) }
        for text in [
            "", "x", "2026-13-01", "2026-02-30", "2026-11-24T25:00", "2026-11-24T05:00:00.Z", "2026-11-24T05:00:00+5", "2026-11-24T",
        ] {
            #expect(Moment(parsing: text) == nil, "\(text)")
        }
    }
}
